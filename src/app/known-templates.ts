import type { AdmittedTemplate, AdmittedTemplates } from "./ports.ts";

/** After a failure the store is left alone for so long: a database that is down must cost no denial a connection, or time. */
const restMs = 1_000;

/**
 * Answers in bounded time: where the store does not, nothing is known of the template, and the policies decide alone. `current` is null as
 * long as there is no store.
 */
export function boundedTemplates(
  current: () => AdmittedTemplates | null,
  withinMs: number,
  onFailure: (error: unknown) => void,
): AdmittedTemplates {
  let resting = false;
  const rest = () => {
    resting = true;
    setTimeout(() => {
      resting = false;
    }, restMs).unref();
  };
  const ask = async (templates: AdmittedTemplates, template: AdmittedTemplate) => {
    try {
      return await templates.wasAdmitted(template);
    } catch (error) {
      rest();
      onFailure(error);
      return false;
    }
  };
  return {
    wasAdmitted(template) {
      const templates = current();
      if (templates === null || resting) return Promise.resolve(false);
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          rest();
          resolve(false);
        }, withinMs);
        void ask(templates, template).then((admitted) => {
          clearTimeout(timer);
          resolve(admitted);
        });
      });
    },
  };
}
