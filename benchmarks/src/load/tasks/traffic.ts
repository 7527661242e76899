import type { Crowd } from '../crowd'
import type { Traffic } from '../traffic'

/** Bytes of all connections together since they were opened. @throws Error if a connection has failed. */
export async function readTraffic(crowd: Crowd): Promise<Traffic> {
  await crowd.settle()
  const total = { sentBytes: 0, receivedBytes: 0 }
  for (const { traffic } of crowd.connections) {
    total.sentBytes += traffic.sentBytes
    total.receivedBytes += traffic.receivedBytes
  }
  return total
}
