// The models that may be chosen, and the field in which one is.

import * as api from "./api.js";
import { h, withoutOverrides } from "./dom.js";

const CACHE_MS = 30_000;

let listed = { models: [], at: -Infinity };

// All models, the default first. When they cannot be listed, those that were listed before.
export async function listModels() {
  if (performance.now() - listed.at > CACHE_MS) {
    try {
      listed = { models: (await api.listModels()).models, at: performance.now() };
    } catch {
      return listed.models;
    }
  }
  return listed.models;
}

// A select of models whose first option is that of `inherited`; a model that is gone stays to be seen.
export function fillModels(select, models, { value = "", inherited }) {
  const isGone = value && !models.some(({ id }) => id === value);
  select.replaceChildren(
    h("option", { value: "" }, inherited),
    ...models.map(({ id }) => h("option", { value: id }, withoutOverrides(id))),
    ...(isGone ? [h("option", { value }, `${withoutOverrides(value)} (not available)`)] : []),
  );
  select.value = value;
}

// What a conversation without a model of its own uses.
export const defaultWords = (models) => {
  const name = models.find(({ is_default: isDefault }) => isDefault)?.id;
  return name ? `The server's default (${withoutOverrides(name)})` : "The server's default";
};
