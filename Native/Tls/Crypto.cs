using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>libcrypto 3.x: certificates, BIOs and the error queue. Man pages: section 3ssl.</summary>
internal static unsafe partial class Crypto
{
    private const string Library = "libcrypto.so.3";

    /// <summary>OpenSSL_version(3); static memory.</summary>
    [LibraryImport(Library, EntryPoint = "OpenSSL_version")]
    internal static partial nint Version(int which);

    /// <summary>ERR_clear_error(3).</summary>
    [LibraryImport(Library, EntryPoint = "ERR_clear_error")]
    internal static partial void ClearErrors();

    /// <summary>ERR_get_error(3): takes the oldest entry of this thread, 0 when there is none.</summary>
    [LibraryImport(Library, EntryPoint = "ERR_get_error")]
    internal static partial nuint TakeError();

    /// <summary>ERR_reason_error_string(3); static memory, null when unknown.</summary>
    [LibraryImport(Library, EntryPoint = "ERR_reason_error_string")]
    internal static partial nint ErrorReason(nuint error);

    /// <summary>BIO_get_new_index(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_get_new_index")]
    internal static partial int BioNewIndex();

    /// <summary>BIO_meth_new(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_meth_new", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint BioMethodNew(int type, string name);

    /// <summary>BIO_meth_set_read(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_meth_set_read")]
    internal static partial int BioMethodSetRead(nint method, delegate* unmanaged[Cdecl]<nint, byte*, int, int> read);

    /// <summary>BIO_meth_set_write(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_meth_set_write")]
    internal static partial int BioMethodSetWrite(nint method, delegate* unmanaged[Cdecl]<nint, byte*, int, int> write);

    /// <summary>BIO_meth_set_ctrl(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_meth_set_ctrl")]
    internal static partial int BioMethodSetControl(nint method, delegate* unmanaged[Cdecl]<nint, int, nint, void*, nint> control);

    /// <summary>BIO_new(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_new")]
    internal static partial nint BioNew(nint method);

    /// <summary>BIO_set_data(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_set_data")]
    internal static partial void BioSetData(nint bio, void* data);

    /// <summary>BIO_get_data(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_get_data")]
    internal static partial void* BioData(nint bio);

    /// <summary>BIO_set_init(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_set_init")]
    internal static partial void BioSetInitialized(nint bio, int isInitialized);

    /// <summary>BIO_set_flags(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_set_flags")]
    internal static partial void BioSetFlags(nint bio, int flags);

    /// <summary>BIO_clear_flags(3).</summary>
    [LibraryImport(Library, EntryPoint = "BIO_clear_flags")]
    internal static partial void BioClearFlags(nint bio, int flags);

    /// <summary>d2i_X509(3); moves <paramref name="from"/> behind what it read.</summary>
    [LibraryImport(Library, EntryPoint = "d2i_X509")]
    internal static partial nint ReadCertificate(nint reuse, byte** from, nint bytes);

    /// <summary>i2d_X509(3); without a target it only measures.</summary>
    [LibraryImport(Library, EntryPoint = "i2d_X509")]
    internal static partial int WriteCertificate(nint certificate, byte** into);

    /// <summary>X509_free(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_free")]
    internal static partial void CertificateFree(nint certificate);

    /// <summary>d2i_AutoPrivateKey(3).</summary>
    [LibraryImport(Library, EntryPoint = "d2i_AutoPrivateKey")]
    internal static partial nint ReadPrivateKey(nint reuse, byte** from, nint bytes);

    /// <summary>EVP_PKEY_CTX_new_from_name(3).</summary>
    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_new_from_name", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint KeyMakingNew(nint library, string algorithm, nint properties);

    /// <summary>EVP_PKEY_fromdata_init(3).</summary>
    [LibraryImport(Library, EntryPoint = "EVP_PKEY_fromdata_init")]
    internal static partial int KeyMakingStart(nint making);

    /// <summary>EVP_PKEY_fromdata(3); the caller frees the key.</summary>
    [LibraryImport(Library, EntryPoint = "EVP_PKEY_fromdata")]
    internal static partial int KeyMake(nint making, nint* key, int selection, void* parameters);

    /// <summary>EVP_PKEY_CTX_free(3).</summary>
    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_free")]
    internal static partial void KeyMakingFree(nint making);

    /// <summary>EVP_PKEY_free(3).</summary>
    [LibraryImport(Library, EntryPoint = "EVP_PKEY_free")]
    internal static partial void KeyFree(nint key);

    /// <summary>X509_get_ext_d2i(3); the caller frees by the type's own function.</summary>
    [LibraryImport(Library, EntryPoint = "X509_get_ext_d2i")]
    internal static partial nint CertificateExtension(nint certificate, int nid, int* critical, int* index);

    /// <summary>GENERAL_NAME_get0_value(3); the name keeps it.</summary>
    [LibraryImport(Library, EntryPoint = "GENERAL_NAME_get0_value")]
    internal static partial nint GeneralNameValue(nint name, int* type);

    /// <summary>GENERAL_NAMES_free(3).</summary>
    [LibraryImport(Library, EntryPoint = "GENERAL_NAMES_free")]
    internal static partial void GeneralNamesFree(nint names);

    /// <summary>ASN1_STRING_get0_data(3); the string keeps it.</summary>
    [LibraryImport(Library, EntryPoint = "ASN1_STRING_get0_data")]
    internal static partial byte* StringData(nint asn1String);

    /// <summary>ASN1_STRING_length(3).</summary>
    [LibraryImport(Library, EntryPoint = "ASN1_STRING_length")]
    internal static partial int StringLength(nint asn1String);

    /// <summary>X509_get0_notBefore(3); the certificate keeps it.</summary>
    [LibraryImport(Library, EntryPoint = "X509_get0_notBefore")]
    internal static partial nint NotBefore(nint certificate);

    /// <summary>X509_get0_notAfter(3); the certificate keeps it.</summary>
    [LibraryImport(Library, EntryPoint = "X509_get0_notAfter")]
    internal static partial nint NotAfter(nint certificate);

    /// <summary>ASN1_TIME_set(3); the caller frees.</summary>
    [LibraryImport(Library, EntryPoint = "ASN1_TIME_set")]
    internal static partial nint TimeNew(nint reuse, nint unixSeconds);

    /// <summary>ASN1_TIME_free(3).</summary>
    [LibraryImport(Library, EntryPoint = "ASN1_TIME_free")]
    internal static partial void TimeFree(nint time);

    /// <summary>ASN1_TIME_diff(3).</summary>
    [LibraryImport(Library, EntryPoint = "ASN1_TIME_diff")]
    internal static partial int TimeDifference(int* days, int* seconds, nint from, nint to);

    /// <summary>OPENSSL_sk_new_null(3).</summary>
    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_new_null")]
    internal static partial nint StackNew();

    /// <summary>OPENSSL_sk_push(3); 0 is failure.</summary>
    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_push")]
    internal static partial int StackPush(nint stack, nint item);

    /// <summary>OPENSSL_sk_num(3); -1 for null.</summary>
    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_num")]
    internal static partial int StackCount(nint stack);

    /// <summary>OPENSSL_sk_value(3).</summary>
    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_value")]
    internal static partial nint StackItem(nint stack, int index);

    /// <summary>OPENSSL_sk_free(3); leaves the items.</summary>
    [LibraryImport(Library, EntryPoint = "OPENSSL_sk_free")]
    internal static partial void StackFree(nint stack);

    /// <summary>X509_STORE_new(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_new")]
    internal static partial nint StoreNew();

    /// <summary>X509_STORE_free(3): gives a reference back.</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_free")]
    internal static partial void StoreFree(nint store);

    /// <summary>X509_STORE_add_cert(3); the store takes its own reference.</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_add_cert")]
    internal static partial int StoreAdd(nint store, nint certificate);

    /// <summary>X509_STORE_set_flags(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_set_flags")]
    internal static partial int StoreSetFlags(nint store, nuint flags);

    /// <summary>X509_STORE_CTX_new(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_new")]
    internal static partial nint VerificationNew();

    /// <summary>X509_STORE_CTX_free(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_free")]
    internal static partial void VerificationFree(nint verification);

    /// <summary>X509_STORE_CTX_init(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_init")]
    internal static partial int VerificationStart(nint verification, nint store, nint leaf, nint untrusted);

    /// <summary>X509_STORE_CTX_set_default(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_set_default", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int VerificationSetPurpose(nint verification, string purpose);

    /// <summary>X509_STORE_CTX_get0_param(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_get0_param")]
    internal static partial nint VerificationParameters(nint verification);

    /// <summary>X509_VERIFY_PARAM_set_depth(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_VERIFY_PARAM_set_depth")]
    internal static partial void ParametersSetDepth(nint parameters, int depth);

    /// <summary>X509_VERIFY_PARAM_set_auth_level(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_VERIFY_PARAM_set_auth_level")]
    internal static partial void ParametersSetSecurityLevel(nint parameters, int level);

    /// <summary>X509_verify_cert(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_verify_cert")]
    internal static partial int Verify(nint verification);

    /// <summary>X509_STORE_CTX_get_error(3).</summary>
    [LibraryImport(Library, EntryPoint = "X509_STORE_CTX_get_error")]
    internal static partial int VerificationError(nint verification);

    /// <summary>X509_verify_cert_error_string(3); static memory.</summary>
    [LibraryImport(Library, EntryPoint = "X509_verify_cert_error_string")]
    internal static partial nint VerificationErrorText(nint error);
}
