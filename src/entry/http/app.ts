import { randomUUID } from "node:crypto";
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from "express";
import helmet from "helmet";
import type { z } from "zod";
import { StoreError } from "../../adapters/store/connection.ts";
import { bodyLimit } from "../../app/body-limit.ts";
import { PlangateError } from "../../core/errors.ts";
import { authenticate } from "./authenticate.ts";
import { parseJsonBody } from "./body.ts";
import { type BodyReader, boundedBodies } from "./bounded-bodies.ts";
import { describeError } from "./log.ts";
import { HttpError, sendProblem, statusOf } from "./problem.ts";
import { parseQuery } from "./query.ts";
import type { GateBase, Reply, Route } from "./route.ts";

/** `allowedHosts`: the names that the Host header may have; null: any. */
export function createApp<On extends GateBase>(
  gate: On,
  routes: readonly Route<z.ZodObject, On>[],
  allowedHosts: ReadonlySet<string> | null,
): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.enable("case sensitive routing");
  app.enable("strict routing");
  app.set("query parser", false);
  app.use(identify(gate), helmet(), checkHost(allowedHosts));
  const readBody = boundedBodies();
  for (const route of routes) {
    app[route.method](route.path.replaceAll(/\{(\w+)\}/g, ":$1"), answer(gate, route, readBody));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    app.all(path.replaceAll(/\{(\w+)\}/g, ":$1"), refuseMethod(routes.filter((route) => route.path === path)));
  }
  app.use(() => {
    throw new HttpError(404, "not-found", "There is nothing at this path. GET /openapi.json lists what there is.");
  });
  app.use(problems(gate));
  return app;
}

/** What the handlers of one request share. */
interface Locals {
  requestId: string;
  route?: string;
}

const localsOf = (response: Response): Locals => response.locals as Locals;

function identify({ telemetry, isStopping }: GateBase): RequestHandler {
  return (_request, response, next) => {
    const locals = localsOf(response);
    locals.requestId = randomUUID();
    response.set({ "X-Request-Id": locals.requestId, "Cache-Control": "no-store" });
    if (isStopping()) response.set("Connection", "close");
    response.on("finish", () => telemetry.answered(locals.route ?? "other", response.statusCode));
    next();
  };
}

/** A page in a browser can point a name of its own at this address (DNS rebinding); its requests carry that name. */
function checkHost(allowed: ReadonlySet<string> | null): RequestHandler {
  return (request, _response, next) => {
    if (allowed !== null && !allowed.has(hostName(request.headers.host ?? ""))) {
      throw new HttpError(421, "host-not-allowed", "The Host header names another host than this gate's.");
    }
    next();
  };
}

/** "LOCALHOST:8484" → "localhost", "[::1]:8484" → "[::1]" */
function hostName(header: string): string {
  return header.toLowerCase().replace(/:[0-9]*$/, "");
}

function answer<On extends GateBase>(gate: On, route: Route<z.ZodObject, On>, readBody: BodyReader): RequestHandler {
  return async (request: Request, response: Response) => {
    localsOf(response).route = route.path;
    let reading: Promise<Uint8Array> | null = null;
    const body = () => {
      if (route.body === undefined) return Promise.resolve(new Uint8Array());
      reading ??= readBody(request, response, route.largestBody ?? bodyLimit);
      return reading;
    };
    const caller = await authenticate(gate, route, request, body);
    const reply = await route.handle(gate, {
      caller,
      query: parseQuery(route.query, request.originalUrl),
      params: Object.fromEntries(Object.entries(request.params).map(([name, value]) => [name, String(value)])),
      header: (name) => request.get(name),
      async json() {
        const bytes = await body();
        const { parseBody } = route;
        const type = request.headers["content-type"];
        return { value: parseBody === undefined ? parseJsonBody(type, bytes) : parseBody(bytes), bytes };
      },
      id: localsOf(response).requestId,
    });
    send(response, reply);
  };
}

function send(response: Response, { status, body, contentType, headers = {} }: Reply): void {
  response.set(headers);
  if (contentType === undefined) response.status(status).json(body);
  else response.status(status).set("Content-Type", contentType).end(body);
}

function refuseMethod(routes: readonly Pick<Route, "method">[]): RequestHandler {
  const methods = routes.map(({ method }) => method.toUpperCase());
  const allow = [...methods, ...(methods.includes("GET") ? ["HEAD"] : [])].join(", ");
  return () => {
    throw new HttpError(405, "method-not-allowed", `Allowed here: ${allow}.`, { Allow: allow });
  };
}

/** Who is not known, may not, or asks too often. */
const refusals: ReadonlySet<number> = new Set([401, 403, 429]);

/** Express knows an error handler by its four parameters. */
function problems({ log, telemetry }: GateBase) {
  return (raised: unknown, request: Request, response: Response, _next: NextFunction) => {
    const { requestId } = localsOf(response);
    const error =
      raised instanceof URIError ? new HttpError(400, "bad-path", "The path is not valid percent-encoding.") : raised;
    if (error instanceof StoreError) telemetry.storeFailed(error.code);
    const status = statusOf(error);
    if (status >= 500) log.error({ error: describeError(error), requestId }, "request failed");
    else if (error instanceof PlangateError && refusals.has(status)) {
      const { code, message } = error;
      log.info({ code, reason: message, path: localsOf(response).route, requestId }, "request refused");
    }
    if (response.headersSent) {
      request.socket.destroy();
      return;
    }
    // What is left of a body that was not read would be taken for the next request.
    if (!request.readableEnded) response.set("Connection", "close");
    sendProblem(response, error, requestId);
  };
}
