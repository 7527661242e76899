/*
 * Values of one shape: with a single one, the compiler would learn its numbers and texts by heart.
 */

/**
 * `count` values shaped like `value`, all different, itself first. Whole numbers stay whole and fractions stay fractions;
 * one text in four has a character beyond ASCII.
 */
export function variantsOf<T>(value: T, count: number): readonly T[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? value : (vary(value, index) as T)))
}

function vary(value: unknown, by: number): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value + by : value + by / 4
  if (typeof value === 'string') return varyText(value, by)
  if (value instanceof Uint8Array) return value.map((byte) => byte ^ by)
  if (Array.isArray(value)) return value.map((item) => vary(item, by))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, vary(item, by)]))
}

/** Ends in the number, and is up to three characters longer. */
function varyText(text: string, by: number): string {
  const end = `${by % 4 === 3 ? 'é' : 'x'.repeat(by % 3)}${by}`
  return text.slice(0, Math.max(0, text.length - 2)) + end
}

/** Whether two values have the same content; bytes are equal whatever holds them. */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (one instanceof Uint8Array) return other instanceof Uint8Array && Buffer.compare(one, other) === 0
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const values = new Map(Object.entries(other))
  const entries = Object.entries(one)
  return (
    entries.length === values.size &&
    entries.every(([key, value]) => values.has(key) && isSameValue(value, values.get(key)))
  )
}
