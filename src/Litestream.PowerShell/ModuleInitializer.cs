using System.Management.Automation;

namespace Litestream.PowerShell;

/// <summary>Called by PowerShell when the module is imported and removed, before any cmdlet of it runs.</summary>
public sealed class ModuleInitializer : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    /// <inheritdoc/>
    public void OnImport() => DependencyLoadContext.Attach();

    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo) => DependencyLoadContext.Detach();
}
