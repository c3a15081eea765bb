/** Takes the place away: deletes a property, removes an array's element. */
export const gone = Symbol("gone");

/** Sets what stands at a path such as "evidence.1.plans.*.capturedAt" (`*`: every element) to a value, or takes it away. */
export function editJson(target: unknown, path: string, value: unknown): void {
  const [key = "", ...rest] = path.split(".");
  if (typeof target !== "object" || target === null) throw new TypeError(`nothing at "${path}" to edit`);
  if (key === "*") {
    for (const element of Object.keys(target).reverse()) editJson(target, [element, ...rest].join("."), value);
  } else if (rest.length > 0) {
    editJson(Reflect.get(target, key), rest.join("."), value);
  } else if (value !== gone) {
    Reflect.set(target, key, value);
  } else if (Array.isArray(target)) {
    target.splice(Number(key), 1);
  } else {
    Reflect.deleteProperty(target, key);
  }
}
