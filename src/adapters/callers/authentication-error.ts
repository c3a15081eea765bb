import { PlangateError } from "../../core/errors.ts";

/** `not-authenticated`: nobody knows who asks. The message is for the one who asks, and holds nothing of secrets and tokens. */
export class AuthenticationError extends PlangateError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("not-authenticated", message, options);
  }
}

/** `issuer-unavailable`: the keys of a token's issuer cannot be had, so that nobody can say whether it is genuine. */
export class IssuerUnavailable extends PlangateError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("issuer-unavailable", message, options);
  }
}
