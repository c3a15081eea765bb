import express, { type Request, type RequestHandler, type Response } from "express";
import { parseJson } from "../../core/json.ts";
import { HttpError } from "./problem.ts";

export const mebibyte = 1024 * 1024;

const readers = new Map<number, RequestHandler>();

function readerUpTo(limit: number): RequestHandler {
  const reader = readers.get(limit) ?? express.raw({ type: () => true, limit, inflate: false });
  readers.set(limit, reader);
  return reader;
}

/**
 * The body's bytes → JSON. Throws HttpError `unsupported-media-type` (415), `bad-encoding` (400), and InputError `bad-json`.
 */
export function parseJsonBody(contentType: string | undefined, bytes: Uint8Array): unknown {
  checkContentType(contentType);
  return parseJson(decodeUtf8(bytes), "The body is not valid JSON");
}

function checkContentType(header: string | undefined): void {
  const [type = "", ...parameters] = (header ?? "").split(";").map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset);
  if (type !== "application/json" || !isUtf8) {
    throw new HttpError(415, "unsupported-media-type", "Send the body as Content-Type: application/json, in UTF-8.");
  }
}

/**
 * Exactly what was sent, which is what signatures are over. `limit`: in bytes. Throws HttpError `unsupported-encoding` (415),
 * `body-too-large` (413).
 */
export function readBytes(request: Request, response: Response, limit: number): Promise<Uint8Array> {
  return new Promise((done, fail) => {
    readerUpTo(limit)(request, response, (error?: unknown) => {
      if (error !== undefined) fail(bodyError(error, limit));
      // express.raw leaves the body alone where there is none.
      else done(request.body instanceof Uint8Array ? request.body : new Uint8Array());
    });
  });
}

/** `type` is body-parser's stable name for what went wrong. */
function bodyError(error: unknown, limit: number): unknown {
  const { type } = error as { type?: unknown };
  if (type === "entity.too.large") {
    return new HttpError(413, "body-too-large", `The body is larger than ${limit / mebibyte} MiB.`);
  }
  if (type === "encoding.unsupported") {
    return new HttpError(415, "unsupported-encoding", "Send the body as it is, without Content-Encoding.");
  }
  if (type === "request.aborted" || type === "request.size.invalid") {
    return new HttpError(400, "incomplete-body", "The body ended before its Content-Length.");
  }
  return error;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new HttpError(400, "bad-encoding", "The body is not valid UTF-8.");
  }
}
