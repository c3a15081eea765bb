import type { ObjectName } from "../values.ts";

/** Objects by schema and name. A name may stand for several: for what it means and for what it meant before a rename or a drop. */
export class NameMap<T> {
  readonly #current: (object: T) => ObjectName;
  readonly #byName = new Map<string, Map<string, Set<T>>>();

  constructor(current: (object: T) => ObjectName) {
    this.#current = current;
  }

  /** Under its current name, beside the names that it already has. */
  add(object: T): void {
    const { schema, name } = this.#current(object);
    const bySchema = getOrCreate(this.#byName, name, () => new Map<string, Set<T>>());
    getOrCreate(bySchema, schema ?? "", () => new Set<T>()).add(object);
  }

  /** For what the request itself made and took away again. */
  remove(object: T): void {
    const { schema, name } = this.#current(object);
    this.#byName
      .get(name)
      ?.get(schema ?? "")
      ?.delete(object);
  }

  exact(schema: string, name: string): ReadonlySet<T> {
    return this.#byName.get(name)?.get(schema) ?? new Set();
  }

  /** Schema → objects of that name. */
  anywhere(name: string): ReadonlyMap<string, ReadonlySet<T>> {
    return this.#byName.get(name) ?? new Map();
  }

  isNamed(object: T, name: string): boolean {
    return this.#current(object).name === name;
  }

  isCurrent(object: T, schema: string, name: string): boolean {
    const current = this.#current(object);
    return current.schema === schema && current.name === name;
  }
}

export function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const created = create();
  map.set(key, created);
  return created;
}
