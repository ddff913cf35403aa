import { asUnixSeconds, type UnixSeconds } from '../../ports/clock.js'

/** The whole second that begins next: what is left until an instant is then rounded down. */
export function nextSecond(): UnixSeconds {
  return asUnixSeconds(Math.ceil(Date.now() / 1000))
}
