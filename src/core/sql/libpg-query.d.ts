/** The Emscripten module inside libpg-query. Loaded directly, because an instance must be replaced after a stack overflow. */
declare module "libpg-query/wasm/libpg-query.js" {
  export interface PgQueryModule {
    HEAPU8: Uint8Array;
    HEAPU32: Uint32Array;
    UTF8ToString(pointer: number): string;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    _wasm_parse_query_raw(query: number): number;
    _wasm_free_parse_result(result: number): void;
    _wasm_parse_plpgsql(query: number): number;
    _wasm_scan(query: number): number;
    _wasm_free_string(text: number): void;
  }
  const createModule: (options: {
    print?: (text: string) => void;
    printErr?: (text: string) => void;
  }) => Promise<PgQueryModule>;
  export default createModule;
}
