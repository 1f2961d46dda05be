@{
    # Pester carries variables from one block to another, which this rule does not see.
    ExcludeRules = @('PSUseDeclaredVarsMoreThanAssignments')
}
