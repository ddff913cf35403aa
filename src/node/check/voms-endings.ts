/** For the forecast: the certificates of the VOMS servers that signed what a proxy carries. */
import { printable } from '../../errors.js'
import type { ChainFacts } from '../../proxy/chain-facts.js'
import type { Ending } from '../../renewal/checking/forecast.js'
import type { AttributeCertificate } from '../../voms/attribute-certificate.js'
import { attributesOfChain } from '../../voms/chain-attributes.js'
import type { VomsTrust } from '../../voms/voms-trust.js'
import type { Certificate } from '../../x509/certificate.js'
import { sameName } from '../../x509/name.js'

export interface VomsEnding {
  ending: Ending
  certificate: Certificate
}

/** @throws VoboxError `VOMS_AC_MALFORMED`. */
export function vomsEndings(facts: ChainFacts, trust: VomsTrust): VomsEnding[] {
  return attributesOfChain(facts).outermost.flatMap((ac) => {
    const certificate = signerOf(ac)
    if (certificate === undefined) return []
    const ending: Ending = {
      kind: 'voms-certificate',
      key: certificate.subject.oneLine,
      end: certificate.notAfter,
      name: certificate.subject.oneLine,
      automatic: false,
      cure: cureFor(ac, trust),
    }
    return [{ ending, certificate }]
  })
}

/** Its own certificate stands first as a rule. */
function signerOf({ issuer, issuerCertificates }: AttributeCertificate): Certificate | undefined {
  const [first] = issuerCertificates
  return issuerCertificates.find(({ subject }) => sameName(subject, issuer)) ?? first
}

/** A name in an .lsc file outlives the certificate; a certificate in the vomsdir does not. */
function cureFor({ vo, server }: AttributeCertificate, trust: VomsTrust): string {
  const name = printable(vo)
  const renewed = `The manager of the VO ${name} renews it`
  return server !== undefined && trust.lscFor(vo, server.host).length > 0
    ? `${renewed}; with another DN or CA of it, install the new .lsc file of ${name} in ${trust.directory}`
    : `${renewed}; install the new certificate, or better its .lsc file, in ${trust.directory}`
}
