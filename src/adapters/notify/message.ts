import type { Decision } from "../../core/decision.ts";
import { printable } from "../../output/printable.ts";
import type { NotifyTarget } from "./target.ts";

/** The body of the notification that an override was used. */
export function overrideMessage(decision: Decision, jti: string, format: NotifyTarget["format"]): string {
  const override = decision.overrides?.find((used) => used.jti === jti);
  if (override === undefined) throw new TypeError(`the decision ${decision.id} has no override ${jti}`);
  const { id, service, environment, commit, requestedBy, requestDigest, evaluatedAt, notAfter } = decision;
  const waived = [
    ...new Set(decision.findings.filter(({ waivedBy }) => waivedBy !== null).map(({ ruleId }) => ruleId)),
  ];
  if (format === "json") {
    const { consumed: _consumed, ...told } = override;
    return JSON.stringify({
      type: "override.used",
      timestamp: evaluatedAt,
      data: {
        decision: { id, service, environment, commit, requestedBy, requestDigest, evaluatedAt, notAfter, waived },
        override: told,
      },
    });
  }
  const ticket = override.ticket === null ? "" : ` (${override.ticket})`;
  const who = requestedBy === null ? "" : `, requested by ${requestedBy}`;
  const lines = [
    `Override used: ${service} to ${environment}${who}`,
    `${override.by} waived ${waived.join(", ")}${ticket}: ${override.reason}`,
    `Decision ${id}, would have been ${decision.withoutOverrides ?? "rejected"}; may start until ${notAfter ?? "-"}`,
  ];
  // No markup and no previews: names and reasons come from requests.
  const asWritten = { mrkdwn: false, unfurl_links: false, unfurl_media: false };
  return JSON.stringify({ text: lines.map(plainForSlack).join("\n"), ...asWritten });
}

/** Slack's control characters (api.slack.com, "Formatting text"), so that no name can mention a channel or hide a link. */
function plainForSlack(text: string): string {
  return printable(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
