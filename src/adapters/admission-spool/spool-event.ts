/** What the operator of a gate should hear of. `file` is a name inside the spool's directory. */
export type SpoolEvent =
  /** At the start: the end of what a killed process was writing was dropped. It had not been acknowledged. */
  | { kind: "torn"; file: string; bytes: number }
  /** Lines that hold no record were left out; the file is kept under this name. */
  | { kind: "unreadable"; file: string; lines: number }
  /** Somebody removed or cut the file before these records were in the store. */
  | { kind: "lost"; file: string; records: number }
  | { kind: "drained"; records: number }
  /** `failures`: how many times in a row. It is tried again. */
  | { kind: "drain-failed"; error: unknown; failures: number };

export type OnSpoolEvent = (event: SpoolEvent) => void;
