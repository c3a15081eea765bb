/** A human's statement that they looked at a request's query plans, as the gate was able to check it. */
export interface Approval {
  by: string;
  of: "query-plans";
  at: Date | null;
  /** Signed and checked; false: only claimed by a caller that may vouch. */
  verified: boolean;
}
