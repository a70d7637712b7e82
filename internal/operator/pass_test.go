package operator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/f0a90b9a/ferry/activities"
	"github.com/f0a90b9a/ferry/internal/operator"
	"github.com/f0a90b9a/ferry/workflows"
)

func TestDescribeTellsHowFarAPassIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		activity string
		told     any
		want     *operator.Pass
	}{
		{activities.ImportFileName, activities.ImportProgress{Bytes: 9, Records: 4}, &operator.Pass{At: started, Activity: "ImportFile", Attempt: 2, Bytes: 9, Records: 4}},
		{activities.ReconcileName, 7, &operator.Pass{At: started, Activity: "Reconcile", Attempt: 2, Batch: 7}},
		{activities.WriteReportsName, 8, &operator.Pass{At: started, Activity: "WriteReports", Attempt: 2, Batch: 8}},
		{activities.WriteReportsName, nil, nil},
		{activities.ImportFileName, "of another release", nil},
		{activities.WriteSummaryName, 8, nil},
	} {
		t.Run(c.activity, func(t *testing.T) {
			t.Parallel()
			client, service := setup(t)
			details, err := converter.GetDefaultDataConverter().ToPayloads(c.told)
			require.NoError(t, err)
			answer := described(info(t, "a", workflows.MigrateFileName, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING))
			answer.PendingActivities = []*workflowpb.PendingActivityInfo{
				{ActivityType: &commonpb.ActivityType{Name: activities.ProbeTargetName}},
				{ActivityType: &commonpb.ActivityType{Name: c.activity}, Attempt: 2, HeartbeatDetails: details, LastHeartbeatTime: timestamppb.New(started)},
			}
			service.On("DescribeWorkflowExecution", mock.Anything, "a", "").Return(answer, nil)
			run, err := client.Describe(t.Context(), "a")
			require.NoError(t, err)
			require.Equal(t, c.want, run.Pass)
		})
	}
}

func TestAPassIsBelievedForAWhile(t *testing.T) {
	t.Parallel()
	var none *operator.Pass
	require.False(t, none.Fresh(started))
	p := &operator.Pass{At: started, Batch: 1200}
	require.True(t, p.Fresh(started.Add(10*time.Second)))
	require.False(t, p.Fresh(started.Add(time.Minute)))
	require.Equal(t, "batch 1,200", p.Says())
	require.Equal(t, "1 record read", (&operator.Pass{Records: 1}).Says())
}
