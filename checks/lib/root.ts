import { fileURLToPath } from 'node:url'

/** The folder of the repository, without a slash at the end. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** The published packages, each after those it needs. */
export const PACKAGES = ['protocol', 'client', 'server'] as const

export type PackageName = (typeof PACKAGES)[number]
