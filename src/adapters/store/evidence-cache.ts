import type { EvidenceBundle } from "../../core/evidence/bundle.ts";

export interface KeptBundle {
  /** It never changes once it is parsed. */
  bundle: EvidenceBundle;
  /** Characters of its JSON; parsed it takes some times as many bytes. */
  size: number;
}

const mostCharacters = 32 * 1024 * 1024;
const mostBundles = 2_000;

/**
 * Parsed bundles, by what identifies the content of their rows, so that the same evidence is not read and parsed with every decision. Those
 * that were not used for the longest time are let go.
 */
export class EvidenceCache {
  readonly #kept = new Map<string, KeptBundle>();
  #characters = 0;

  /** Those of a database as they are now, whatever is let go later. */
  of(database: string): ReadonlyMap<string, KeptBundle> {
    return new Map([...this.#kept].filter(([content]) => content.startsWith(`${database} `)));
  }

  /** Keeps the bundle, or remembers that it was used. */
  use(content: string, kept: KeptBundle): void {
    this.#forget(content);
    this.#kept.set(content, kept);
    this.#characters += kept.size;
    for (const oldest of this.#kept.keys()) {
      if (this.#characters <= mostCharacters && this.#kept.size <= mostBundles) return;
      this.#forget(oldest);
    }
  }

  #forget(content: string): void {
    this.#characters -= this.#kept.get(content)?.size ?? 0;
    this.#kept.delete(content);
  }
}
