import type { Request, Response } from "express";
import { bodyLimit } from "../../app/body-limit.ts";
import { readBytes } from "./body.ts";
import { HttpError } from "./problem.ts";

/** Bytes of bodies that are worked on at once; parsed JSON takes several times as much memory. */
const mostBodyBytes = 16 * bodyLimit;

/** `limit`: of the body, in bytes. Rejects as `readBytes` does, and with HttpError `overloaded` (503). */
export type BodyReader = (request: Request, response: Response, limit: number) => Promise<Uint8Array>;

/**
 * Reads bodies as long as there is room for them. Bodies come before anybody has authenticated, so strangers could take all the room and
 * send nothing: where it is used up, whoever has been sending for longest makes place. A body that is complete stays until its answer.
 */
export function boundedBodies(): BodyReader {
  let taken = 0;
  /** Oldest first; each gives its body up. */
  const arriving = new Set<() => void>();
  const makeRoom = (size: number) => {
    for (const giveUp of arriving) {
      if (taken + size <= mostBodyBytes) return;
      giveUp();
    }
    if (taken + size > mostBodyBytes) throw overloaded();
  };
  return async (request, response, limit) => {
    const size = announcedSize(request, limit);
    makeRoom(size);
    taken += size;
    let held = size;
    const release = () => {
      taken -= held;
      held = 0;
    };
    response.on("close", release);
    const { promise: givenUp, giveUp } = giving(release);
    arriving.add(giveUp);
    try {
      return await Promise.race([readBytes(request, response, limit), givenUp]);
    } finally {
      arriving.delete(giveUp);
    }
  };
}

function giving(release: () => void): { promise: Promise<never>; giveUp: () => void } {
  let giveUp = () => {};
  const promise = new Promise<never>((_done, fail) => {
    giveUp = () => {
      release();
      fail(overloaded());
    };
  });
  return { promise, giveUp };
}

function announcedSize({ headers }: Request, limit: number): number {
  const announced = Number(headers["content-length"] ?? limit);
  return Math.min(Number.isNaN(announced) ? limit : announced, limit);
}

function overloaded(): HttpError {
  return new HttpError(503, "overloaded", "The gate is busy. Send the request again.", { "Retry-After": "1" });
}
