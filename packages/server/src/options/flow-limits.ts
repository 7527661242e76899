/** How much of what a client is sent may be outstanding, in bytes, and what follows from it. */
export interface FlowLimits {
  /** Option `maxOutgoingBytes`: beyond it the client is cut off. */
  readonly budgetBytes: number
  /** From here on the client is behind; and what a WebSocket that is behind is handed at most. */
  readonly highBytes: number
  /** Below it, it is not behind any more. */
  readonly lowBytes: number
  /** The client is asked for a sign after so many bytes. */
  readonly stepBytes: number
  /** The same for a client that is sent latest values: what is on its way cannot be replaced by something newer. */
  readonly freshHighBytes: number
  readonly freshStepBytes: number
}

/** A client on a fast link confirms this much every few milliseconds; a slow one of 1 MB/s is 66 ms behind. */
const FRESH_HIGH_BYTES = 65_536
const FRESH_STEP_BYTES = 16_384

/** The limits that follow from a budget. */
export function flowLimits(budgetBytes: number): FlowLimits {
  const highBytes = Math.ceil(budgetBytes / 4)
  const stepBytes = Math.ceil(budgetBytes / 8)
  return {
    budgetBytes,
    highBytes,
    lowBytes: stepBytes,
    stepBytes,
    freshHighBytes: Math.min(FRESH_HIGH_BYTES, highBytes),
    freshStepBytes: Math.min(FRESH_STEP_BYTES, stepBytes),
  }
}
