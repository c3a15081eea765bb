import type { Node } from "@pgsql/types";
import createModule, { type PgQueryModule } from "libpg-query/wasm/libpg-query.js";

/**
 * PostgreSQL 18's own grammar and scanner (libpg-query, WASM). All offsets are UTF-8 bytes; an error's position counts
 * code points, as PostgreSQL does.
 *
 * A stack overflow inside an instance leaves its stack pointer where it was: after some thirty of them it is unusable, and
 * its memory is not to be trusted before that. So an instance that threw anything but a syntax error is thrown away, and a
 * spare takes its place. Where no spare is ready the text counts as too large.
 */
export interface ParsedStatement {
  node: Node;
  /** First byte of the statement's first token. */
  start: number;
  /** Bytes; null: to the end of the text. */
  length: number | null;
}

export interface Token {
  start: number;
  end: number;
  text: string;
  name: string;
  keyword: boolean;
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; failure: ParseFailure };

export interface ParseFailure {
  kind: "syntax" | "too-large";
  message: string;
  /** Code points before the offending token; null where PostgreSQL gives no position. */
  position: number | null;
}

/** More than any migration that a person wrote; the parse tree of this much text still fits in memory. */
const maxBytes = 32 * 1024 * 1024;
const spareInstances = 2;

const encoder = new TextEncoder();
const instances: PgQueryModule[] = [];
let loading: Promise<void> | null = null;
let loaded = false;

/**
 * Must be awaited once before anything else here is called. The first time it makes one instance, so that a command starts
 * quickly; a gate, which calls it for every request, has spares from the second time on. Cheap when nothing is to be made.
 */
export function loadGrammar(): Promise<void> {
  loading ??= fill().finally(() => {
    loading = null;
  });
  return loading;
}

async function fill(): Promise<void> {
  const silent = { print: () => {}, printErr: () => {} };
  const wanted = loaded ? 1 + spareInstances : 1;
  while (instances.length < wanted) instances.push(await createModule(silent));
  loaded = true;
}

function discardInstance(): void {
  instances.shift();
  // A failure to make another shows when none is left: everything is too large then, and the next loadGrammar() rejects.
  loadGrammar().catch(() => undefined);
}

const tooLarge: ParseFailure = {
  kind: "too-large",
  message: "the text is too large or too deeply nested for the parser",
  position: null,
};

function withModule<T>(bytes: Uint8Array, run: (module: PgQueryModule, query: number) => Parsed<T>): Parsed<T> {
  if (!loaded) throw new Error("loadGrammar() must be awaited before SQL is parsed");
  const module = instances[0];
  if (module === undefined) return { ok: false, failure: tooLarge };
  if (bytes.length > maxBytes) return { ok: false, failure: tooLarge };
  try {
    const query = module._malloc(bytes.length + 1);
    if (query === 0) throw new RangeError("out of memory");
    module.HEAPU8.set(bytes, query);
    module.HEAPU8[query + bytes.length] = 0;
    const result = run(module, query);
    module._free(query);
    return result;
  } catch {
    // Stack overflow, out of memory or an abort in WASM, or a result longer than a string can be: not the text's syntax.
    discardInstance();
    return { ok: false, failure: tooLarge };
  }
}

function syntaxFailure(message: string, position: number | null): { ok: false; failure: ParseFailure } {
  // Bison's own limit on nesting is reported as a syntax error.
  const exhausted = message.startsWith("memory exhausted") || message.startsWith("stack depth limit");
  return { ok: false, failure: { kind: exhausted ? "too-large" : "syntax", message, position } };
}

/** PgQueryParseResult: char *parse_tree, char *stderr_buffer, PgQueryError *error. */
interface RawParseTree {
  stmts?: { stmt?: Node; stmt_location?: number; stmt_len?: number }[];
}

/** Text without NUL → its statements. */
export function parseSql(text: string | Uint8Array): Parsed<ParsedStatement[]> {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  return withModule(bytes, (module, query) => {
    const result = module._wasm_parse_query_raw(query);
    if (result === 0) throw new RangeError("out of memory");
    const field = (pointer: number, index: number) => module.HEAPU32[pointer / 4 + index] ?? 0;
    const error = field(result, 2);
    if (error !== 0) {
      const message = module.UTF8ToString(field(error, 0));
      const position = field(error, 4);
      module._wasm_free_parse_result(result);
      return syntaxFailure(message, position > 0 ? position - 1 : null);
    }
    const json = module.UTF8ToString(field(result, 0));
    module._wasm_free_parse_result(result);
    // libpg_query's JSON output; its shape is what @pgsql/types describes.
    const tree = JSON.parse(json) as RawParseTree;
    const statements: ParsedStatement[] = [];
    for (const raw of tree.stmts ?? []) {
      if (raw.stmt) statements.push({ node: raw.stmt, start: raw.stmt_location ?? 0, length: raw.stmt_len ?? null });
    }
    return { ok: true, value: statements };
  });
}

interface RawToken {
  start: number;
  end: number;
  text: string;
  tokenName: string;
  keywordKind: number;
}

/** Text without NUL → its tokens, comments among them. */
export function scanSql(text: string | Uint8Array): Parsed<Token[]> {
  const bytes = typeof text === "string" ? encoder.encode(text) : text;
  return withModule(bytes, (module, query) => {
    const pointer = module._wasm_scan(query);
    const result = module.UTF8ToString(pointer);
    module._wasm_free_string(pointer);
    if (!result.startsWith("{")) return syntaxFailure(result, null);
    // libpg_query's JSON output of pg_query_scan.
    const raw = JSON.parse(result) as { tokens: RawToken[] };
    const tokens = raw.tokens.map((token) => ({
      start: token.start,
      end: token.end,
      text: token.text,
      name: token.tokenName,
      keyword: token.keywordKind !== 0,
    }));
    return { ok: true, value: tokens };
  });
}

/** One DO, CREATE FUNCTION or CREATE PROCEDURE statement in PL/pgSQL → libpg_query's JSON of its compiled body. */
export function parsePlpgsql(statement: string): Parsed<unknown> {
  return withModule<unknown>(encoder.encode(statement), (module, query) => {
    const pointer = module._wasm_parse_plpgsql(query);
    const result = module.UTF8ToString(pointer);
    module._wasm_free_string(pointer);
    if (!result.startsWith("{")) return syntaxFailure(result, null);
    return { ok: true, value: JSON.parse(result) };
  });
}
