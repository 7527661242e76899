import type { Role } from '../load/dialects/dialect'
import type { TicksOptions } from '../servers/serve'
import type { Session } from '../session'
import type { ModeSettings, Sample } from './mode'

const SLACK_MS = 25_000

/** Ticks of one metric. */
export interface TicksPlan extends Omit<TicksOptions, 'windowMs'> {
  /** Id of the metric. */
  readonly metric: string
}

/** So few that a server sends to them a hundred times as often as to all. */
export const FIRST_MEMBERS = 20

/**
 * Connects `total` members, the first of them some time before the others: a server is asked to do there what it will be measured
 * at, so often that its code is compiled. To a thousand members that takes minutes, and it would be the compiler that is measured.
 */
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
  await session.assertMembers(total)
}

/** Several {@link measureTicks}, one after the other. */
export async function measureEach(
  session: Session,
  plans: readonly TicksPlan[],
  settings: ModeSettings,
): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const plan of plans) samples.push(await measureTicks(session, plan, settings))
  return samples
}

/** Ticks from the server to connections that are there: CPU per delivery, after a warm-up. */
export async function measureTicks(
  session: Session,
  plan: TicksPlan,
  { warmUpMs, windowMs }: ModeSettings,
): Promise<Sample> {
  await runTicks(session, plan, warmUpMs)
  const { ticks, elapsedMs, cpuUs, deliveries } = await runTicks(session, plan, windowMs)
  return {
    metric: plan.metric,
    value: cpuUs / deliveries,
    details: { deliveries, ticks, elapsedMs, cpuUs, perSecond: (deliveries / elapsedMs) * 1000 },
  }
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
