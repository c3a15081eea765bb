import type { Catalog } from "../catalog/catalog.ts";
import type { ObjectName } from "../values.ts";
import type { NameMap } from "./name-map.ts";

const maxAlternatives = 8;

/** What a name can mean: `live` are objects that have it now, `all` also those that had it earlier in the request. */
export interface Meanings<T> {
  live: T[];
  all: T[];
}

/**
 * The schemas in which unqualified names are looked up (PostgreSQL docs, 5.10.3). Several paths where it depends on what
 * cannot be known, such as whether two files share a session; `unknown` where nothing can be said.
 */
export class SearchPath {
  readonly #base: readonly string[];
  readonly #assumed: boolean;
  readonly #catalog: Catalog | null;
  #alternatives: readonly (readonly string[])[];
  #unknown = false;

  constructor(catalog: Catalog | null) {
    this.#catalog = catalog;
    this.#assumed = catalog?.searchPath === undefined;
    this.#base = catalog?.searchPath ?? ["$user", "public"];
    this.#alternatives = [this.#base];
  }

  set(path: readonly string[] | null): void {
    this.#alternatives = [path ?? this.#base];
    this.#unknown = false;
  }

  /** It may be this path now, or still what it was. null: the base path. */
  maybe(path: readonly string[] | null): void {
    this.#alternatives = distinct([path ?? this.#base, ...this.#alternatives]);
    if (this.#alternatives.length > maxAlternatives) this.forget();
  }

  forget(): void {
    this.#unknown = true;
    this.#alternatives = this.#alternatives.slice(0, 1);
  }

  save(): { alternatives: readonly (readonly string[])[]; unknown: boolean } {
    return { alternatives: this.#alternatives, unknown: this.#unknown };
  }

  /** After SET LOCAL's transaction, or a routine: what it was, or what it became if that was no transaction. */
  rejoin(saved: { alternatives: readonly (readonly string[])[]; unknown: boolean }): void {
    this.#alternatives = distinct([...saved.alternatives, ...this.#alternatives]);
    this.#unknown ||= saved.unknown;
    if (this.#alternatives.length > maxAlternatives) this.forget();
  }

  restore(saved: { alternatives: readonly (readonly string[])[]; unknown: boolean }): void {
    this.#alternatives = saved.alternatives;
    this.#unknown = saved.unknown;
  }

  /** Where CREATE puts an object without a schema. */
  creationSchema(): string {
    return this.#alternatives[0]?.find((schema) => schema !== "$user") ?? "public";
  }

  resolve<T extends { dropped: boolean; uncertain: boolean }>(map: NameMap<T>, target: ObjectName): Meanings<T> {
    const all = new Set<T>();
    if (target.schema !== null) {
      for (const object of map.exact(target.schema, target.name)) all.add(object);
      return this.#sort(map, all, target.name);
    }
    const anywhere = map.anywhere(target.name);
    if (anywhere.size === 0) return { live: [], all: [] };
    for (const path of this.#alternatives) {
      for (const object of anywhere.get("pg_temp") ?? []) all.add(object);
      for (const schema of path) {
        if (schema === "$user") {
          for (const [owner, objects] of anywhere)
            if (this.#mayBeUserSchema(owner)) for (const object of objects) all.add(object);
          continue;
        }
        let found = false;
        for (const object of anywhere.get(schema) ?? []) {
          all.add(object);
          found ||= !object.dropped && !object.uncertain && map.isCurrent(object, schema, target.name);
        }
        if (found) break;
      }
    }
    if (this.#unknown || (all.size === 0 && this.#assumed)) {
      for (const objects of anywhere.values()) for (const object of objects) all.add(object);
    }
    return this.#sort(map, all, target.name);
  }

  #sort<T extends { dropped: boolean }>(map: NameMap<T>, all: Set<T>, name: string): Meanings<T> {
    const live: T[] = [];
    for (const object of all) {
      if (!object.dropped && map.isNamed(object, name)) live.push(object);
    }
    return { live, all: [...all] };
  }

  /** "$user" is the schema named like the role, which nobody told us: any schema that is not owned by another role. */
  #mayBeUserSchema(schema: string): boolean {
    if (schema === "public" || schema === "pg_temp") return false;
    const row = this.#catalog?.schemas?.find((candidate) => candidate.name === schema);
    return !row?.owner || row.owner === schema;
  }
}

function distinct(paths: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const seen = new Map<string, readonly string[]>();
  for (const path of paths) seen.set(JSON.stringify(path), path);
  return [...seen.values()];
}

/** The value of `search_path` as set_config takes it: identifiers separated by commas. null: not of that form. */
export function splitSearchPath(value: string): string[] | null {
  const names: string[] = [];
  let rest = value.trim();
  while (rest !== "") {
    if (rest.startsWith('"')) {
      let end = rest.indexOf('"', 1);
      while (end !== -1 && rest[end + 1] === '"') end = rest.indexOf('"', end + 2);
      if (end === -1) return null;
      names.push(rest.slice(1, end).replaceAll('""', '"'));
      rest = rest.slice(end + 1).trimStart();
    } else {
      const end = rest.includes(",") ? rest.indexOf(",") : rest.length;
      const name = rest.slice(0, end).trim();
      if (name === "" || /[\s"]/.test(name)) return null;
      names.push(name.toLowerCase());
      rest = rest.slice(end);
    }
    if (rest === "") break;
    if (!rest.startsWith(",")) return null;
    rest = rest.slice(1).trim();
    if (rest === "") return null;
  }
  return names;
}
