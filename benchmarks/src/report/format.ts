import type { Spread } from './statistics'

/** What stands where there is no number. */
export const NO_NUMBER = '–'

/** A number with as many digits as are worth reading, the same for a ratio of any size. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return NO_NUMBER
  const size = Math.abs(value)
  // What rounds up to 10 is written like 10.
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.0995 || size === 0 ? 2 : 3
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** As `formatNumber`, but what was counted has no decimals. */
export function formatValue(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en') : formatNumber(value)
}

/** "1.12–1.25"; empty if both ends are the same, as they are after one round. */
export function formatRange({ min, max }: Spread, format = formatNumber): string {
  if (min === max || !Number.isFinite(min) || !Number.isFinite(max)) return ''
  return `${format(min)}${min < 0 ? ' to ' : '–'}${format(max)}`
}

/** "1.17 (1.12–1.25)". */
export function formatSpread(spread: Spread, format = formatNumber): string {
  const range = formatRange(spread, format)
  return range === '' ? format(spread.median) : `${format(spread.median)} (${range})`
}

/** "2.2 KB", of 1,000 bytes. */
export function formatKilobytes(bytes: number): string {
  return Number.isFinite(bytes) ? `${(bytes / 1_000).toFixed(1)} KB` : NO_NUMBER
}

/** A title as the beginning of a sentence. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
