import type { Role } from '../load/dialects/dialect'
import type { TicksOptions } from '../servers/serve'
import type { Session } from '../session'
import type { ModeSettings, Stage, Turn } from './mode'
import { turnMs } from './turns'

const SLACK_MS = 25_000

/** Ticks of one metric. */
export interface TicksPlan extends Omit<TicksOptions, 'windowMs'> {
  /** Id of the metric. */
  readonly metric: string
}

/** So few that a server sends to them a hundred times as often as to all. */
export const FIRST_MEMBERS = 20

/**
 * Ticks to a room of `total` members, of whom the first are there some time before the others: a server is asked to do there what
 * it will be measured at, so often that its code is compiled. To a thousand members that takes minutes, and it would be the
 * compiler that is measured.
 */
export function ticksStage(plans: readonly TicksPlan[], total: number, role?: Role): Stage {
  return {
    prepare: (session, settings) => gather(session, plans, settings, total, role),
    measure: (session, settings) => measureEach(session, plans, settings),
  }
}

/** Connects members as {@link ticksStage} does. */
export async function gather(
  session: Session,
  plans: readonly Omit<TicksPlan, 'metric'>[],
  { warmUpMs }: ModeSettings,
  total: number,
  role?: Role,
): Promise<void> {
  const first = Math.min(FIRST_MEMBERS, total)
  await session.connect(first, role)
  for (const plan of plans) await runTicks(session, plan, warmUpMs)
  await session.connect(total - first, role)
  await session.assertMembers()
}

/** One turn of several plans, one after the other; counts deliveries. */
export async function measureEach(
  session: Session,
  plans: readonly TicksPlan[],
  settings: ModeSettings,
): Promise<Turn[]> {
  const taken: Turn[] = []
  for (const plan of plans) {
    const { ticks, elapsedMs, cpuUs, deliveries } = await runTicks(session, plan, turnMs(settings))
    taken.push({ metric: plan.metric, cpuUs, count: deliveries, details: { ticks, elapsedMs } })
  }
  return taken
}

/**
 * Sends ticks for `windowMs`.
 *
 * @throws Error unless every one who must get them has got all of them, and nobody anything else.
 */
export async function runTicks({ server, load, gatePort }: Session, plan: Omit<TicksPlan, 'metric'>, windowMs: number) {
  const { payload, perTick, audience, turns } = plan
  await load.request('watch', { gatePort, payload, perTick, audience }, SLACK_MS)
  const ticking = server.request('tick', { payload, perTick, audience, turns, windowMs }, windowMs + SLACK_MS)
  // Where both know that something is wrong, the load knows what.
  const result = await ticking.catch(async (error) => {
    await load.request('delivered', { audience }, SLACK_MS)
    throw error
  })
  const { frames, listeners } = await load.request('delivered', { audience }, SLACK_MS)
  const sent = result.ticks * perTick * listeners
  if (frames !== sent) throw new Error(`${frames} of ${sent} messages delivered`)
  return { ...result, deliveries: frames }
}
