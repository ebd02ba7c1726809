// The settings of a conversation: title, assistant, model and system prompt; for its administrators.

import * as api from "./api.js";
import { showForm } from "./dialog.js";
import { h } from "./dom.js";
import { defaultWords, fillModels, listModels } from "./models.js";

const MODES = [
  ["always", "Answers every message"],
  ["mention", "Answers messages that contain @assistant"],
  ["off", "Does not answer"],
];

// Opens the dialog with what the server has: events carry no system prompt. Only changes are sent.
export async function showSettings(id) {
  const [conversation, models] = await Promise.all([api.showConversation(id), listModels()]);
  const { title, assistant_mode: mode, model = "", system_prompt: prompt = "" } = conversation;
  const titleField = h("input", { id: "settings-title", dir: "auto", autocomplete: "off", required: true });
  titleField.value = title;
  const modes = h("select", { id: "settings-mode" }, ...MODES.map(([value, words]) => h("option", { value }, words)));
  modes.value = mode;
  const modelField = h("select", { id: "settings-model" });
  fillModels(modelField, models, { value: model, inherited: defaultWords(models) });
  const promptField = h("textarea", { id: "settings-prompt", name: "system_prompt", rows: "6", dir: "auto" });
  promptField.value = prompt;
  showForm({
    title: "Settings of the conversation",
    parts: [
      field("Title", titleField),
      field("Assistant", modes),
      field("Model", modelField),
      field("System prompt: what the model is to know and to heed", promptField),
    ],
    button: "Save",
    submit: () => {
      const changes = {
        title: changed(titleField.value, title),
        assistant_mode: changed(modes.value, mode),
        model: orNull(changed(modelField.value, model)),
        system_prompt: orNull(changed(promptField.value.trim(), prompt)),
      };
      return api.updateConversation(id, changes);
    },
  });
}

const field = (label, input) => h("div", {}, h("label", { for: input.id }, label), input);

// What is undefined is not sent.
const changed = (value, before) => (value === before ? undefined : value);
const orNull = (value) => (value === "" ? null : value);
