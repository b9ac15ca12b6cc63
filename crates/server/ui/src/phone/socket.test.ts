import { expect, test } from 'vitest'
import { socketOf } from './socket'

test('a page speaks through a socket of its own kind', () => {
  const clear = { protocol: 'http:', hostname: 'localhost' }
  const tls = { protocol: 'https:', hostname: 'hotline.example.gov.cn' }
  const both = { ws_port: 8088, wss_port: 8443 }
  expect(socketOf(clear, both)).toBe('ws://localhost:8088')
  expect(socketOf(tls, both)).toBe('wss://hotline.example.gov.cn:8443')
  expect(socketOf(clear, { ...both, ws_port: 0 })).toBeNull()
  expect(socketOf(tls, { ...both, wss_port: 0 })).toBeNull()
})
