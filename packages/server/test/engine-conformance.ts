import { describe } from 'vitest'
import { busConformance } from './engine-bus-suite'
import { directoryConformance } from './engine-directory-suite'
import { lifeConformance } from './engine-life-suite'
import { logLimitsConformance } from './engine-log-limits-suite'
import { logConformance } from './engine-log-suite'
import { retainedConformance } from './engine-retained-suite'
import type { MakeEngine, MakePeer } from './engine-scene'
import { storeConformance } from './engine-store-suite'

/*
 * What every engine does: the contract of `cluster/engine.ts`, sentence by sentence. The suite takes no answer for
 * synchronous, no engine for empty, and no time for short: it waits for conditions.
 */

/**
 * Defines the tests of an engine.
 *
 * @param make      Makes an engine for one test.
 * @param makePeer  Makes a second node of it, or says why there is none.
 */
export function engineConformance(name: string, make: MakeEngine, makePeer: MakePeer): void {
  const suite = { make, makePeer }
  describe(`${name} engine`, () => {
    describe('bus', () => busConformance(suite))
    describe('log', () => logConformance(suite))
    describe('limits of the log', () => logLimitsConformance(suite))
    describe('retained frames', () => retainedConformance(suite))
    describe('directory', () => directoryConformance(suite))
    describe('store', () => storeConformance(suite))
    describe('life', () => lifeConformance(suite))
  })
}
