/*
 * Just enough to check with, without a test framework: scenarios run in pages too.
 */

/** Fails unless `condition` holds. */
export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`not so: ${what}`)
}

/** Fails unless both are the same: values of the same type with the same content, and nothing else. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const where = difference(actual, expected, '')
  if (where !== null) throw new Error(`${what}: ${where}`)
}

/** Fails unless `run` throws, or rejects with, an error of this code. */
export async function failsWith(code: string, run: () => unknown, what: string): Promise<Error> {
  let result: unknown
  try {
    result = await run()
  } catch (error) {
    const actual = (error as { code?: unknown } | null)?.code
    if (actual === code) return error as Error
    throw new Error(`${what}: failed with ${actual ?? error}, not with ${code}`, { cause: error })
  }
  throw new Error(`${what}: did not fail with ${code}, gave ${show(result)}`)
}

/** Where two values differ, or null. */
function difference(actual: unknown, expected: unknown, path: string): string | null {
  if (Object.is(actual, expected)) return null
  const differ = () => `${path || 'the value'} is ${show(actual)}, not ${show(expected)}`
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null)
    return differ()
  if (Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return differ()
  if (actual instanceof Date) return actual.getTime() === (expected as Date).getTime() ? null : differ()
  if (actual instanceof Uint8Array) return differenceOfBytes(actual, expected as Uint8Array, path)
  const keys = Object.keys(expected)
  if (Object.keys(actual).length !== keys.length) return differ()
  for (const key of keys) {
    if (!Object.hasOwn(actual, key)) return differ()
    const inner = difference(actual[key as never], expected[key as never], `${path}.${key}`)
    if (inner !== null) return inner
  }
  return null
}

function differenceOfBytes(actual: Uint8Array, expected: Uint8Array, path: string): string | null {
  if (actual.length !== expected.length) return `${path} has ${actual.length} bytes, not ${expected.length}`
  const at = actual.findIndex((byte, i) => byte !== expected[i])
  return at < 0 ? null : `${path} has ${actual[at]} at byte ${at}, not ${expected[at]}`
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null) return String(value)
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/** Bytes that differ from place to place, and with the size. */
export function patterned(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) + size) & 255
  return bytes
}

/** The numbers from 0 to below `count`. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
