import { Decimal } from "decimal.js";

/**
 * An exact decimal from the text a provider wrote ("1e3", "0.10"), as plain text without exponent and with all its
 * digits; null when the text is no finite decimal. Money and rates never pass through a float.
 */
export function decimalText(text: string): string | null {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/.test(text.trim())) return null;
  const written = text.trim().replace(/^\+/, "");
  if (/^-?\d+(\.\d+)?$/.test(written)) return written;
  return new Decimal(written).toFixed();
}
