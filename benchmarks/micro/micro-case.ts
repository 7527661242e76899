/*
 * What a suite is made of: groups of cases, each the same work done by somebody else.
 */

/** One way to do the work of a group. */
export interface MicroCase {
  /** Unique in its group. */
  readonly name: string
  /** Operations of one {@link run}: so many that it takes some hundred microseconds. */
  readonly operations: number
  /** Whether {@link run} answers with a promise. */
  readonly isAsync?: boolean
  /** Does all operations. */
  run(): Promise<void> | void
  /** Puts back what {@link run} has changed; not measured. */
  reset?(): void
  /**
   * Proves that an operation does what its name says; before and after it is measured.
   *
   * @throws Error that says what is wrong.
   */
  verify(): Promise<void> | void
}

/** Cases that are compared. */
export interface MicroGroup {
  readonly title: string
  /** Name of the case that the others are compared with. */
  readonly baseline: string
  readonly cases: readonly MicroCase[]
}

/** Figures of one round. */
export interface MicroResult {
  readonly title: string
  readonly baseline: string
  readonly values: readonly { readonly name: string; readonly value: number }[]
}

/** Where results go, so that the compiler cannot prove that nobody looks at them. */
export const sink: { value: unknown } = { value: undefined }

/** Keeps a result. */
export function keep(value: unknown): void {
  sink.value = value
}

/** A `run` that calls `operation` with 0, 1, 2 … and keeps what it returns. */
export function each(operations: number, operation: (index: number) => unknown): () => void {
  return () => {
    for (let i = 0; i < operations; i++) keep(operation(i))
  }
}

/** @throws Error with `what` unless `isTrue`. */
export function demand(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what)
}
