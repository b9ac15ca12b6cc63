// Which socket the phone of a page speaks through.

/**
 * Where SIP is spoken by WebSocket; null: the engine does not serve it to this page. The session is
 * known to a socket of the page's own kind alone: a page that came by TLS may not speak in the
 * clear, and the cookie of one in the clear is not shown under TLS.
 */
export function socketOf(
  page: { protocol: string; hostname: string },
  ports: { ws_port: number; wss_port: number },
): string | null {
  const at = (scheme: string, port: number) => `${scheme}://${page.hostname}:${port}`
  const [scheme, port] =
    page.protocol === 'https:' ? (['wss', ports.wss_port] as const) : (['ws', ports.ws_port] as const)
  return port === 0 ? null : at(scheme, port)
}
