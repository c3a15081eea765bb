import { hash } from "node:crypto";
import canonicalize from "canonicalize";

/** Lower-case hex SHA-256 of the text's UTF-8 bytes. */
export function sha256Hex(text: string): string {
  return hash("sha256", text, "hex");
}

/** RFC 8785. */
export function canonicalJson(value: unknown): string {
  // JSON.stringify writes numbers and texts in the canonical form already, several times as fast; only the keys need an order.
  const ordered = inOrder(value);
  const canonical = ordered === unusual ? canonicalize(value) : JSON.stringify(ordered);
  if (canonical === undefined) throw new TypeError("the value has no JSON form");
  return canonical;
}

/** `sha256:` + SHA-256 of the RFC 8785 canonical JSON of a JSON value. */
export function digestOf(value: unknown): string {
  return `sha256:${sha256Hex(canonicalJson(value))}`;
}

const unusual = Symbol("unusual");

/** A copy with its keys in the order of their UTF-16 units; `unusual`: it has keys or values for which a plain copy is not enough. */
function inOrder(value: unknown): unknown {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : unusual;
  if (typeof value !== "object" || "toJSON" in value) return unusual;
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    for (const element of value) {
      const ordered = inOrder(element);
      if (ordered === unusual) return unusual;
      copy.push(ordered);
    }
    return copy;
  }
  const copy: Record<string, unknown> = {};
  for (const key of sortedKeys(value)) {
    if (hasOwnOrder.test(key)) return unusual;
    const element = (value as Record<string, unknown>)[key];
    const ordered = element === undefined ? undefined : inOrder(element);
    if (ordered === unusual) return unusual;
    copy[key] = ordered;
  }
  return copy;
}

/** Objects give integers as keys before all others, and take `__proto__` for something else than a key. */
const hasOwnOrder = /^(?:[0-9]|__proto__$)/;

/** By insertion, since objects have few keys, often nearly in order. */
function sortedKeys(value: object): string[] {
  const keys = Object.keys(value);
  if (keys.length > 30) return keys.sort();
  for (let index = 1; index < keys.length; index += 1) {
    const key = keys[index] ?? "";
    let place = index;
    for (let before = keys[place - 1]; before !== undefined && before > key; before = keys[place - 1]) {
      keys[place] = before;
      place -= 1;
    }
    keys[place] = key;
  }
  return keys;
}
