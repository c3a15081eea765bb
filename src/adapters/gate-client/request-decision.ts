import { z } from "zod";
import { callGate, type GateCall, type Patience, unusableAnswer } from "./call-gate.ts";

export interface GateQuestion extends Omit<GateCall, "wording"> {
  /** What the answer must be about. */
  requestDigest: string;
}

/** The fields that decide what a pipeline does; the rest is for people. */
const answerSchema = z.looseObject({
  id: z.string(),
  decision: z.enum(["approved", "rejected"]),
  allowed: z.boolean(),
  requestDigest: z.string(),
  /** A compact JWS; absent: the gate is of an earlier version. */
  pass: z
    .string()
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    .nullish(),
});
export type GateAnswer = z.output<typeof answerSchema>;

/** Asks until the gate has decided. Throws GateError, CredentialsError. */
export async function requestDecision(question: GateQuestion, patience: Patience): Promise<GateAnswer> {
  const wording = { done: "judged the request", answer: "a decision" };
  const { status, json } = await callGate({ ...question, wording }, [200, 403], patience);
  return checkedAnswer(json, status, question.requestDigest);
}

/** A proxy's page is no approval, and an answer to another question neither. */
function checkedAnswer(json: unknown, status: number, requestDigest: string): GateAnswer {
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) throw unusableAnswer("What answers at this URL is not a plangate gate.");
  const answer = parsed.data;
  const approved = answer.decision === "approved";
  if (answer.allowed !== approved || (status === 200) !== approved) {
    throw unusableAnswer("The gate's answer contradicts itself.");
  }
  if (answer.requestDigest !== requestDigest) throw unusableAnswer("The gate's answer is about another request.");
  return answer;
}
