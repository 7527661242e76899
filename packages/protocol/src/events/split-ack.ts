/** Takes a function at the end off the arguments. */
export function splitAck(args: readonly unknown[]): {
  data: readonly unknown[]
  ack: ((...args: unknown[]) => void) | null
} {
  const last = args[args.length - 1]
  if (typeof last !== 'function') return { data: args, ack: null }
  return { data: args.slice(0, -1), ack: last as (...args: unknown[]) => void }
}
