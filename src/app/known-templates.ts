import type { AdmittedTemplate, AdmittedTemplates } from "./ports.ts";

/**
 * Answers in bounded time: where the store does not, nothing is known of the template, and the policies decide alone. `current` is null as
 * long as there is no store.
 */
export function boundedTemplates(
  current: () => AdmittedTemplates | null,
  withinMs: number,
  onFailure: (error: unknown) => void,
): AdmittedTemplates {
  const ask = async (templates: AdmittedTemplates, template: AdmittedTemplate) => {
    try {
      return await templates.wasAdmitted(template);
    } catch (error) {
      onFailure(error);
      return false;
    }
  };
  return {
    wasAdmitted(template) {
      const templates = current();
      if (templates === null) return Promise.resolve(false);
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), withinMs);
        void ask(templates, template).then((admitted) => {
          clearTimeout(timer);
          resolve(admitted);
        });
      });
    },
  };
}
