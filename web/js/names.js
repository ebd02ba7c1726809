// Who wrote a message. Its role is shown from the role, never from a name: a person may have any name.

import { withoutOverrides } from "./dom.js";

const ROLES = ["assistant", "system"];
const usernames = new Map(); // of people who share their display name with somebody, by user id
const names = new Map(); // of the participants that were learned, by user id

// Learns the participants of a conversation; two with one display name are shown with their user names.
export function learnPeople(participants) {
  const counts = new Map();
  for (const person of participants) {
    const name = shownName(person);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  for (const person of participants) {
    names.set(person.user_id, person.display_name || person.username);
    if (counts.get(shownName(person)) > 1) usernames.set(person.user_id, person.username);
    else usernames.delete(person.user_id);
  }
}

const shownName = ({ display_name: name, username }) => (name || username).toLowerCase();

// The name above a message.
export function nameOf({ role, author_name: given, author_user_id: id }) {
  const name = withoutOverrides(given ?? "");
  if (ROLES.includes(role)) return role;
  if (!name) return role;
  if (ROLES.includes(name.trim().toLowerCase())) return `${name} (a person)`;
  const username = usernames.get(id);
  return username && username !== name ? `${name} (${username})` : name;
}

// The name of a participant, or of somebody who has left.
export const nameOfPerson = (id) =>
  names.has(id) ? nameOf({ role: "user", author_name: names.get(id), author_user_id: id }) : "somebody";

// That a message is deleted, and by whom if not by its author.
export function deletionOf({ deleted_by: by, author_user_id: author }) {
  if (!by || by === author) return "(deleted)";
  return `(deleted by ${names.has(by) ? nameOfPerson(by) : "an administrator"})`;
}
