import type { LatestValue } from '../connection/wire-port'

/** How a frame travels. */
export interface DeliveryFlags {
  /** Skip receivers that have unsent data. */
  readonly volatile: boolean
  /** Compress, if compression is on and the frame is large enough. */
  readonly compress: boolean
  /** For receivers who are behind: the frame takes the place of an older one of this id. */
  readonly latest?: LatestValue | null
  /** When it was emitted; absent where nobody needs to know. */
  readonly order?: number
}
