using Litestream.Tests.S3;

// In the namespace of the shared suite these come before xunit's own: its tests need the server here.
namespace Litestream.Tests.Unit.Storage
{
    /// <summary>A fact that needs Ceph's gateway; without it the test is named as skipped, with what is missing.</summary>
    internal sealed class FactAttribute : Xunit.FactAttribute
    {
        public FactAttribute() => Skip = CephGateway.Missing;
    }

    /// <summary>A theory that needs Ceph's gateway.</summary>
    internal sealed class TheoryAttribute : Xunit.TheoryAttribute
    {
        public TheoryAttribute() => Skip = CephGateway.Missing;
    }
}

namespace Litestream.Tests.S3
{
    /// <summary>A fact that needs Ceph's gateway.</summary>
    internal sealed class FactAttribute : Xunit.FactAttribute
    {
        public FactAttribute() => Skip = CephGateway.Missing;
    }

    /// <summary>A theory that needs Ceph's gateway.</summary>
    internal sealed class TheoryAttribute : Xunit.TheoryAttribute
    {
        public TheoryAttribute() => Skip = CephGateway.Missing;
    }
}
