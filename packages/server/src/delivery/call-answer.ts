import { createHeader, MESSAGE_TYPES, prependHeader, readHeader } from '@roomcast/protocol'

/*
 * The answer to a call as it is kept:
 *
 *   type   1 byte: ACK, ACK_ERROR, or 0 for one that was too large to keep
 *   body   as it was sent
 *
 * Without ack id and namespace number: the first is part of the key, the second may be another one when the answer is sent again.
 */

/** In place of an answer that is too large. */
export const NO_ANSWER: Uint8Array = Uint8Array.of(0)

/** @param frame  ACK or ACK_ERROR. @returns A copy. */
export function packAnswer(frame: Uint8Array): Uint8Array {
  const { type, bodyStart } = readHeader(frame, createHeader())
  const answer = new Uint8Array(1 + frame.length - bodyStart)
  answer[0] = type
  answer.set(frame.subarray(bodyStart), 1)
  return answer
}

/** Whether there is an answer to send again. */
export function isAnswer(answer: Uint8Array): boolean {
  return answer.length > 1
}

/** The inverse of {@link packAnswer}. */
export function answerFrame(answer: Uint8Array, namespace: number, ackId: number): Uint8Array {
  const type = answer[0] === MESSAGE_TYPES.ACK ? MESSAGE_TYPES.ACK : MESSAGE_TYPES.ACK_ERROR
  return prependHeader({ type, namespace, ackId }, answer.subarray(1))
}
