import { InputError } from "./errors.ts";
import { oncePerObject } from "./once-per-object.ts";

/** The JSON text of a document that never changes once it is made, such as a decision, which is stored and sent. */
export const jsonText = oncePerObject((document: object): string => JSON.stringify(document));

/** EXPLAIN nests two levels per plan node; nothing that people write comes near. */
const deepest = 256;

/**
 * JSON text (RFC 8259) → value, refusing what readers disagree on or trip over: keys that occur twice, the key `__proto__`, unpaired
 * surrogates, nesting deeper than 256.
 * @throws InputError (`bad-json`) with line and column, which start at 1 and count UTF-16 units.
 */
export function parseJson(text: string, subject: string): unknown {
  const problem = new Scanner(text).findProblem();
  if (problem !== null) {
    const before = text.slice(0, problem.offset).split("\n");
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    throw new InputError("bad-json", subject, [{ path: "", message: `${place}: ${problem.message}` }]);
  }
  return JSON.parse(text);
}

interface Problem {
  offset: number;
  message: string;
}

class Refusal extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

class Scanner {
  private readonly text: string;
  private offset = 0;

  constructor(text: string) {
    this.text = text;
  }

  findProblem(): Problem | null {
    try {
      this.value(0);
      this.space();
      if (this.offset < this.text.length) this.refuse("the JSON value has ended, but text follows");
      return null;
    } catch (error) {
      if (error instanceof Refusal) return error.problem;
      throw error;
    }
  }

  private value(depth: number): void {
    this.space();
    const character = this.text[this.offset];
    if (character === "{") this.object(depth + 1);
    else if (character === "[") this.array(depth + 1);
    else if (character === '"') this.string();
    else this.scalar();
  }

  private object(depth: number): void {
    this.enter(depth);
    if (this.ends("}")) return;
    const keys = new Set<string>();
    do {
      this.space();
      const start = this.offset;
      if (this.text[start] !== '"') this.refuse('expected a key in double quotes or "}"');
      const key = this.string();
      if (key === "__proto__") this.refuse('the key "__proto__" is not allowed', start);
      if (keys.has(key)) this.refuse(`the key ${JSON.stringify(key.slice(0, 60))} occurs twice in one object`, start);
      keys.add(key);
      this.space();
      if (this.text[this.offset] !== ":") this.refuse('expected ":" after the key');
      this.offset += 1;
      this.value(depth);
    } while (this.continues("}"));
  }

  private array(depth: number): void {
    this.enter(depth);
    if (this.ends("]")) return;
    do this.value(depth);
    while (this.continues("]"));
  }

  private enter(depth: number): void {
    if (depth > deepest) this.refuse(`nested deeper than ${deepest} levels`);
    this.offset += 1;
  }

  private ends(bracket: string): boolean {
    this.space();
    if (this.text[this.offset] !== bracket) return false;
    this.offset += 1;
    return true;
  }

  private continues(bracket: string): boolean {
    if (this.ends(bracket)) return false;
    if (this.text[this.offset] !== ",") this.refuse(`expected "," or "${bracket}"`);
    this.offset += 1;
    return true;
  }

  /** Returns the string's value. */
  private string(): string {
    const start = this.offset;
    let escaped = false;
    this.offset += 1;
    for (; ; this.offset += 1) {
      const code = this.text.charCodeAt(this.offset);
      if (code === 0x22) break;
      if (code < 0x20) this.refuse("control characters in a string must be escaped");
      if (Number.isNaN(code)) this.refuse("the string does not end", start);
      if (code === 0x5c) {
        escaped = true;
        this.escape();
      }
    }
    this.offset += 1;
    const raw = this.text.slice(start, this.offset);
    const value: string = escaped ? JSON.parse(raw) : raw.slice(1, -1);
    if (!isWellFormed(value)) this.refuse("the string holds an unpaired surrogate, which is no character", start);
    return value;
  }

  private escape(): void {
    escapeSequence.lastIndex = this.offset;
    const found = escapeSequence.exec(this.text);
    if (found === null) this.refuse('unknown escape sequence; allowed: \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0000');
    else this.offset += found[0].length - 1;
  }

  private scalar(): void {
    scalarToken.lastIndex = this.offset;
    const found = scalarToken.exec(this.text);
    if (found === null) {
      const end = this.offset >= this.text.length;
      this.refuse(end ? "the JSON text ends too early" : "expected a JSON value");
    } else this.offset += found[0].length;
  }

  private space(): void {
    whitespace.lastIndex = this.offset;
    this.offset += whitespace.exec(this.text)?.[0].length ?? 0;
  }

  private refuse(message: string, offset = this.offset): never {
    throw new Refusal({ offset, message });
  }
}

const whitespace = /[ \t\n\r]*/y;
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const scalarToken = /(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)(?![\w.+-])/y;

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
