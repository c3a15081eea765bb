import type { DeployRequest } from "./request.ts";
import type { SqlComment } from "./sql/change.ts";

/** Assistants that sign their work in trailers and comments. Lower case, matched as whole words. */
const assistants = [
  "ai",
  "aider",
  "amazon q",
  "augment",
  "chatgpt",
  "claude",
  "cline",
  "codegen",
  "codeium",
  "codex",
  "copilot",
  "cursor",
  "devin",
  "gemini",
  "gpt",
  "jules",
  "llm",
  "openai",
  "tabnine",
  "windsurf",
];
const kind = "(?:agent|ai|bot|code|swe-agent)";
/**
 * "claude", "gpt-4o-mini", "cursor-agent 1.2". After a number every further part has a separator that no part can hold, and there are
 * few parts: each text is read in one way, in time that grows with its length alone.
 */
const assistant = `(?:${assistants.join("|")})(?:[-_ ]?${kind}){0,4}(?:[-_ ]?\\d[\\w.]*(?:[- ](?:\\d[\\w.]*|${kind})){0,4})?`;
const trailer = new RegExp(`^[ \\t]*(?:co-authored-by|assisted-by|generated-by)[ \\t]*:.*\\b${assistant}\\b`, "im");
const generated = new RegExp(
  `\\b(?:generated|written|created|suggested|assisted|produced|authored)\\s+(?:with|by|using|via)\\b[^\\n]{0,40}\\b${assistant}\\b`,
  "i",
);
const adjective = new RegExp(`\\b${assistant}[- ](?:suggested|generated|assisted|written|authored)\\b`, "i");

export interface AiAssistance {
  /** Where it shows, for people: "the description", "commit 9f1c2e7", "the comment in line 2 of a.sql". */
  source: string;
}

/** Was the change written with an AI assistant? Declared, or visible in the texts that came with it. null: no sign of it. */
export function aiAssistance(request: DeployRequest, comments: readonly SqlComment[]): AiAssistance | null {
  if (request.aiAssisted === true) return { source: "the request says so" };
  if (mentions(request.description ?? "")) return { source: "the description says so" };
  const commit = (request.commits ?? []).find(({ message }) => mentions(message));
  if (commit !== undefined)
    return {
      source:
        commit.sha == null ? "a commit message says so" : `the message of commit ${commit.sha.slice(0, 12)} says so`,
    };
  const comment = comments.find(({ text }) => mentions(text));
  if (comment === undefined) return null;
  return { source: `the comment in line ${comment.location.line} of ${comment.location.path} says so` };
}

function mentions(text: string): boolean {
  return trailer.test(text) || generated.test(text) || adjective.test(text);
}
