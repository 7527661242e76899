/** A place in the order of a room: the room's number, and the position everything up to which has been received. */
export interface Place {
  readonly room: number
  readonly position: number
}

/** Frames of equal length (here what an application sends once, so it may be more than one frame of the wire) that must arrive one behind the other, as bytes, and what must follow. */
export interface FrameRun {
  readonly bytes: Buffer
  /** Length of each frame; 0 if there is none. */
  readonly frameBytes: number
  /** Place in front of the first frame; undefined if the frames have no positions. */
  readonly place: Place | undefined
  /** The run behind the last frame. */
  next(): FrameRun
}

/** So many that several ticks are one comparison, and so few that a run stays in the processor's cache. */
const FRAMES_PER_RUN = 64
/** Fewer where frames are long: one of this length is a comparison long enough. */
const BYTES_PER_RUN = 65_536

/** The same frames over and over. @throws Error unless all have the same length. */
export function repeatedRun(frames: readonly Buffer[]): FrameRun {
  const frameBytes = frames[0]?.length ?? 0
  if (frames.some((frame) => frame.length !== frameBytes)) throw new Error('frames of different lengths')
  const run: FrameRun = { bytes: Buffer.concat(frames), frameBytes, place: undefined, next: () => run }
  return run
}

/**
 * The frames of ticks: one frame over and over, or, behind a place, frames whose positions are each higher by one. Those are made when
 * the first connection comes to them, once for all connections that share the run; the next run begins where the
 * position takes one byte more. What all have received is garbage.
 *
 * @param place    Where the connections are; undefined if frames have no positions.
 * @param frameAt  The frame of a place; of undefined, the frame without.
 */
export function tickRun(place: Place | undefined, frameAt: (place: Place | undefined) => Buffer): FrameRun {
  if (place === undefined) {
    const only = frameAt(undefined)
    return repeatedRun(new Array<Buffer>(framesPerRun(only.length)).fill(only))
  }
  const { room } = place
  const frames: Buffer[] = []
  let { position } = place
  let frame = frameAt({ room, position: position + 1 })
  const frameBytes = frame.length
  const mostFrames = framesPerRun(frameBytes)
  while (frame.length === frameBytes && frames.length < mostFrames) {
    frames.push(frame)
    position++
    frame = frameAt({ room, position: position + 1 })
  }
  const last = { room, position }
  let next: FrameRun | undefined
  return {
    bytes: Buffer.concat(frames),
    frameBytes,
    place,
    next() {
      next ??= tickRun(last, frameAt)
      return next
    },
  }
}

function framesPerRun(frameBytes: number): number {
  return Math.max(1, Math.min(FRAMES_PER_RUN, Math.floor(BYTES_PER_RUN / frameBytes)))
}
