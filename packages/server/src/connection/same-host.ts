/**
 * Whether the page comes from the host it talks to. The scheme is not compared: behind a proxy that ends
 * TLS the server sees http where the page has https.
 */
export function isSameHost(origin: string, host: string): boolean {
  const match = /^https?:\/\/([^/?#@]+)$/.exec(origin)
  return match !== null && match[1] === host.toLowerCase()
}
