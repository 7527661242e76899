import { type AddressInfo, createServer } from 'node:net'

/**
 * A port where nobody listens, for a server that is to be restarted on the same one. After `listen(0)` the
 * engine could not have the port back for a minute: it marks a port as reusable only when it was asked for.
 */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
