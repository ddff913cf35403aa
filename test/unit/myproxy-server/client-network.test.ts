import { describe, expect, it } from 'vitest'
import {
  clientNetwork,
  NetworkCounter,
  plainAddress,
} from '../../../src/myproxy/server/client-network.js'

describe('clientNetwork', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2::1', '2001:db8:1:2'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['', ''],
  ])('of %s is %s', (address, network) => {
    expect(clientNetwork(address)).toBe(network)
  })
})

describe('plainAddress', () => {
  it.each([
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['::ffff:c000:207', '::ffff:c000:207'],
    [undefined, ''],
  ])('of %s is %s', (address, plain) => {
    expect(plainAddress(address)).toBe(plain)
  })
})

describe('NetworkCounter', () => {
  it('counts 3 addresses of one /64 together, and that of another apart', () => {
    const counter = new NetworkCounter()
    expect(counter.enter('2001:db8:1:2::1').before).toBe(0)
    expect(counter.enter('2001:db8:1:2::2').before).toBe(1)
    expect(counter.enter('2001:db8:1:2:a:b:c:d').before).toBe(2)
    expect(counter.enter('2001:db8:1:3::1').before).toBe(0)
  })

  it('forgets who left, down to nothing', () => {
    const counter = new NetworkCounter()
    const first = counter.enter('192.0.2.1')
    const second = counter.enter('::ffff:192.0.2.1')
    expect(second.before).toBe(1)
    first.leave()
    expect(counter.enter('192.0.2.1').before).toBe(1)
    second.leave()
    second.leave()
    expect(counter.enter('192.0.2.1').before).toBe(0)
  })
})
