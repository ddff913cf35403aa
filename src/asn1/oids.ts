/**
 * Every object identifier of the project in one table, by the name its document gives it.
 *
 * Attribute types of names are in `attribute-types.ts`, beside their OpenSSL short names.
 */
export const OID = {
  // RFC 5280 §4.2: certificate and CRL extensions
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  crlReason: '2.5.29.21',
  deltaCrlIndicator: '2.5.29.27',
  issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
  // RFC 5280 §4.2.1.12: purposes
  anyExtendedKeyUsage: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  // RFC 3820: proxy certificates
  proxyCertInfo: '1.3.6.1.5.5.7.1.14',
  policyInheritAll: '1.3.6.1.5.5.7.21.1',
  policyIndependent: '1.3.6.1.5.5.7.21.2',
  // Globus: the draft's ProxyCertInfo, and limited proxies
  draftProxyCertInfo: '1.3.6.1.4.1.3536.1.222',
  policyLimited: '1.3.6.1.4.1.3536.1.1.1.9',
  // VOMS: attribute certificates inside a proxy, FQANs inside those
  vomsAcSequence: '1.3.6.1.4.1.8005.100.100.5',
  vomsAttributes: '1.3.6.1.4.1.8005.100.100.4',
  // RFC 3279, 5758, 8410: keys and signatures
  rsaEncryption: '1.2.840.113549.1.1.1',
  md2WithRsa: '1.2.840.113549.1.1.2',
  md4WithRsa: '1.2.840.113549.1.1.3',
  md5WithRsa: '1.2.840.113549.1.1.4',
  sha1WithRsa: '1.2.840.113549.1.1.5',
  rsaPss: '1.2.840.113549.1.1.10',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  sha384WithRsa: '1.2.840.113549.1.1.12',
  sha512WithRsa: '1.2.840.113549.1.1.13',
  sha224WithRsa: '1.2.840.113549.1.1.14',
  ecPublicKey: '1.2.840.10045.2.1',
  ecdsaWithSha1: '1.2.840.10045.4.1',
  ecdsaWithSha224: '1.2.840.10045.4.3.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  ecdsaWithSha512: '1.2.840.10045.4.3.4',
  ed25519: '1.3.101.112',
  prime256v1: '1.2.840.10045.3.1.7',
  secp384r1: '1.3.132.0.34',
  secp521r1: '1.3.132.0.35',
  // RFC 8018 §A.4, RFC 7914 §7: encrypted private keys
  pbes2: '1.2.840.113549.1.5.13',
  scrypt: '1.3.6.1.4.1.11591.4.11',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  // RFC 2986: requests
  extensionRequest: '1.2.840.113549.1.9.14',
} as const
