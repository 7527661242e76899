import type { MicroGroup } from '../micro-case'
import { codecSuite } from './codec'
import { dispatchSuite } from './dispatch'
import { gateSuite } from './gate'
import { roomsSuite } from './rooms'

/** What is measured, by name, in the order of the report; each in a process of its own. */
export const SUITES = {
  codec: codecSuite,
  gate: gateSuite,
  dispatch: dispatchSuite,
  rooms: roomsSuite,
} as const satisfies Readonly<Record<string, () => Promise<readonly MicroGroup[]> | readonly MicroGroup[]>>

/** Name of a suite. */
export type SuiteName = keyof typeof SUITES
