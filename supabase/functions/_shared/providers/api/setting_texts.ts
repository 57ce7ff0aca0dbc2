import * as z from "zod";

/** Longest expression of a connector: a mapping of one field or list. */
export const MAX_EXPRESSION_CHARS = 2000;

/** A JSONata expression. Whether it can be read shows when the connector is tested. */
export const expressionText = () => z.string().min(1).max(MAX_EXPRESSION_CHARS);

/** Name of a header, or of a parameter of a query. */
export const parameterName = () =>
  z.string().min(1).max(100).regex(
    /^[A-Za-z0-9!#$%&'*+.^_`|~[\]-]+$/,
    "is no name of a header or parameter",
  );

/** https, or http on this machine for tests; every address is checked again before each request. */
export const webAddress = () =>
  z.string().max(1000).refine(isWebAddress, "is an https address without user, query and fragment");

function isWebAddress(text: string): boolean {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return false;
  }
  const isLocal = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  return (url.protocol === "https:" || (url.protocol === "http:" && isLocal)) &&
    url.username === "" && url.password === "" && !/[?#\\\s]/.test(text);
}
