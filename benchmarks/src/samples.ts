/** Quantiles of a list of numbers, in its unit. */
export interface Quantiles {
  readonly count: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

const FIRST_CAPACITY = 65_536

/** A list of numbers that grows without an object for each. */
export class Samples {
  private values = new Float64Array(FIRST_CAPACITY)
  private count = 0

  get size(): number {
    return this.count
  }

  add(value: number): void {
    if (this.count === this.values.length) {
      const larger = new Float64Array(this.values.length * 2)
      larger.set(this.values)
      this.values = larger
    }
    this.values[this.count++] = value
  }

  /** What was added since the last call. */
  take(): Quantiles {
    const sorted = this.values.subarray(0, this.count).sort()
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
    const quantiles = {
      count: this.count,
      p50: at(0.5),
      p90: at(0.9),
      p99: at(0.99),
      p999: at(0.999),
      max: sorted.at(-1) ?? Number.NaN,
    }
    this.count = 0
    return quantiles
  }
}
