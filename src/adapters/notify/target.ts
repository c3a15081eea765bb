/** A webhook that is told about overrides. */
export interface NotifyTarget {
  name: string;
  /** It may hold a secret (Slack's do): never print it. */
  url: string;
  /** Standard Webhooks key; null: Slack, which checks no signature. */
  key: Buffer | null;
  format: "json" | "slack";
}
