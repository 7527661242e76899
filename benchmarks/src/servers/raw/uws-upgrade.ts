import type { HttpRequest, HttpResponse, us_socket_context_t } from 'uws-pack'

/** Opens a WebSocket that keeps `data`. */
export function upgradeWith<Data>(data: Data, res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
  res.upgrade(
    data,
    req.getHeader('sec-websocket-key'),
    req.getHeader('sec-websocket-protocol'),
    req.getHeader('sec-websocket-extensions'),
    context,
  )
}
